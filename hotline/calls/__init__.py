"""A call as the service sees it: what the cards tell becomes rows, words become a draft, an ended call is closed."""
