"""MuseumPlus as it is asked: its API, its documents, the harvest, and the download of an object."""
