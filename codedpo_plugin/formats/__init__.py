"""How records look in files: JSON lines for text, Parquet for arrays. One module per form."""
