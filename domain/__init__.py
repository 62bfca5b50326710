"""Hold the rules of public property: facts, states, rules and verbs, with no clock, chance or I/O."""
