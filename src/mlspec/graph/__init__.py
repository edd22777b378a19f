"""Project -> Graph -> Plan: the compiler. The graph of steps is a networkx digraph, which no other package imports."""
