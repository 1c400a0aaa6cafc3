"""From a folder to images and labels: find, decode, examine and settle files (`survey` is the way in)."""
