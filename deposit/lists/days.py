"""Days that lists and figures can be asked for: with room for arithmetic on both sides."""

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator

FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(2999, 12, 31)

VALIDATORS = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
