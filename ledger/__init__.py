"""Keep the book: envelope, bytes, recorder, tree, notary."""
