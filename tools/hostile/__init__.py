"""Files that are damaged or made to harm, and what reads them."""
