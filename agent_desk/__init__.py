"""The people's side of the hotline: the web desk where a call becomes text and a draft while it is spoken."""
