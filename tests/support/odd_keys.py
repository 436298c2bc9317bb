"""Keys of S3 that are no names of files, or that a client may take for something else."""

ODD_KEYS = (
    "a.json",
    "a.json?versionId=2.json",
    "day.json",
    "day.json/part-1.json",
    "day.json/part-1.json/again",
    f"{'long' * 75}.json",
    "../../../evil.json",
    "./dot.json",
    "double//slash.json",
    "//slashes.json",
    "a+b c%2B%20#&;=@,$~.json",
    "100%.json",
    'quote\'s "two" <&> `.json',
    "back\\slash.json",
    "*?[a]{b}.json",
    "tab\tbell\a.json",
    "é.json",
    "e\u0301.json",
    "🎵\u202e.json",
)
