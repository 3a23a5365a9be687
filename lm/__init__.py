"""Language models behind one small interface, and the judge that scores with them."""
