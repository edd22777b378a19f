"""Project -> Graph -> Plan: the compiler. networkx lives here alone."""
