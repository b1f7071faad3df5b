"""For those who study the translator: what it made of a program, and what of that was executed."""
