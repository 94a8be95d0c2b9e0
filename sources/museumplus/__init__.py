"""MuseumPlus, a collection management system: its objects are harvested, judged due and made into deposits."""
