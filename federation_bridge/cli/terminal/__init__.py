"""What the person types and sees: arguments and their completion, words, tables, questions."""
