"""What an editor shows of a spec: pure functions of a text and what is known of it; ``server`` speaks the protocol."""
