"""What tracking needs without a database: tokens, targets, the rewriting of HTML, and telling machines apart."""
