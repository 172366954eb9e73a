"""Small classical models in this process: n-gram classifier, moderator, BM25, TextRank."""
