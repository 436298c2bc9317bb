"""Words that simulated names are made of, and how the player's log spells them."""

from __future__ import annotations


def _phrases(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split("|")]


ADJECTIVES = """Amber Bitter Broken Burning Crimson Distant Electric Endless Faded Falling Fearless Frozen Gentle Golden
Hidden Hollow Honest Lonely Lost Lucky Midnight Modern Morning Northern Paper Quiet Restless Rolling Running Sacred
Secret Silent Silver Sleeping Southern Summer Tender Velvet Wandering Wild Winter Young""".split()

ACCENTED_ADJECTIVES = "Zoë's Doña Única Schöne Éternel Überall Señor’s 長い".split()

NOUNS = """Anchor Arrow Avenue Bell Bird Boulevard Bridge Candle Carnival Castle City Cloud Comet Dancer Desert Dream
Echo Ember Engine Feather Fire Forest Fountain Garden Ghost Harbor Heart Highway Horizon Island Jewel Kingdom Ladder
Lantern Letter Light Machine Mirror Moon Mountain Needle Ocean Orchard Parade Piano Planet Radio Rain River Rocket
Satellite Shadow Signal Sky Sparrow Station Stone Storm Stranger Street Sunday Thunder Tide Tiger Tower Train Valley
Wave Whisper Window Wolf""".split()

ACCENTED_NOUNS = "Árbol Corazón Straße Cœur Naïveté Ørret São Ångström Señorita Björn İzmir 夜".split()

FIRST_NAMES_F = """Ada Alma Anna Bella Carla Clara Dana Della Edith Elena Emma Esther Faye Flora Gina Grace Hanna Hazel
Ida Irene Jana Jude Karen Lena Lily Lucy Mara Maya Mina Nadia Nina Nora Olive Paula Rhea Rosa Ruth Sara Tessa Vera""".split()

FIRST_NAMES_M = """Adam Alan Amos Ben Boris Carl Cole Dan David Dean Eli Emil Evan Felix Frank Gary Glen Hugo Ian Ivan
Jack Jonas Karl Kurt Leon Liam Marc Max Milo Neil Noah Omar Oscar Paul Ralf Roy Sam Theo Tom Victor""".split()

LAST_NAMES = """Abbott Adler Arnold Bailey Barker Becker Bishop Bowen Brandt Brooks Burke Carter Castro Chan Clarke Cohen
Costa Cross Dalton Dixon Doyle Dunn Ellis Farmer Fisher Flynn Foster Fox Fuller Garner Gibbs Gordon Graham Hale Harper
Hayes Hobbs Holt Hunter Jensen Kane Keller Knight Lang Lawson Mercer Meyer Moran Nash Novak Olsen Parker Porter Quinn
Reyes Rivera Rowe Shaw Stone Sutton Tanner Turner Vance Vogel Wagner Walsh Weber Wolfe York Ziegler""".split()

METRO_AREAS = _phrases("""Akron, OH|Albany-Schenectady-Troy, NY|Ann Arbor, MI|Atlanta-Sandy Springs-Roswell, GA|Austin-Round Rock, TX|
Boise City, ID|Boston-Cambridge-Newton, MA-NH|Buffalo-Cheektowaga-Niagara Falls, NY|Charlotte-Concord-Gastonia, NC-SC|
Chicago-Naperville-Elgin, IL-IN-WI|Cleveland-Elyria, OH|Columbus, OH|Dallas-Fort Worth-Arlington, TX|
Denver-Aurora-Lakewood, CO|Detroit-Warren-Dearborn, MI|Duluth, MN-WI|Eugene, OR|Fargo, ND-MN|Fresno, CA|
Houston-The Woodlands-Sugar Land, TX|Indianapolis-Carmel-Anderson, IN|Kansas City, MO-KS|Knoxville, TN|
Las Vegas-Henderson-Paradise, NV|Los Angeles-Long Beach-Anaheim, CA|Madison, WI|Memphis, TN-MS-AR|
Miami-Fort Lauderdale-West Palm Beach, FL|Milwaukee-Waukesha-West Allis, WI|Minneapolis-St. Paul-Bloomington, MN-WI|
New Orleans-Metairie, LA|New York-Newark-Jersey City, NY-NJ-PA|Oklahoma City, OK|Omaha-Council Bluffs, NE-IA|
Philadelphia-Camden-Wilmington, PA-NJ-DE-MD|Phoenix-Mesa-Scottsdale, AZ|Pittsburgh, PA|
Portland-Vancouver-Hillsboro, OR-WA|Raleigh, NC|Reno, NV|Richmond, VA|Rochester, NY|Sacramento--Roseville--Arden-Arcade, CA|
Salt Lake City, UT|San Antonio-New Braunfels, TX|San Diego-Carlsbad, CA|San Francisco-Oakland-Hayward, CA|
Seattle-Tacoma-Bellevue, WA|St. Louis, MO-IL|Tampa-St. Petersburg-Clearwater, FL|Tucson, AZ|Tulsa, OK""")

# Of the catalogue. Some carry what stands in the real one: markup, a replacement character.
PLACES = _phrases("""London, England|Paris, France|Berlin, Germany|Tokyo, Japan|Nashville, TN|New York, NY|Los Angeles, CA|Chicago, IL|
São Paulo, Brazil|Malmö, Sweden|Montréal, Québec|Kingston, Jamaica|Dublin, Ireland|Lagos, Nigeria|Melbourne, Australia|
Bogot\ufffd, Colombia|<a href="http://music.example/" onmouseover="void(0)">music.example</a>|Reykjavík, Iceland""")

ODD_TITLES = [
    "True",
    "1234",
    "3",
    "Intro ",
    " Untitled",
    'The "Real" Thing',
    "Don\x19t Look",
    "What\x18s Left",
    "Live (Live)",
    "…",
    "99",
]

_SYSTEMS = [
    "Windows NT 6.1; WOW64",
    "Windows NT 6.3; WOW64",
    "Windows NT 5.1",
    "Windows NT 6.2; WOW64",
    "Macintosh; Intel Mac OS X 10_9_4",
    "Macintosh; Intel Mac OS X 10_8_5",
    "X11; Linux x86_64",
]


def user_agents() -> list[str]:
    """Browsers and systems of 2014, most of them with the quotes that the log puts around them."""
    agents = []
    for version in ("35.0.1916.153", "36.0.1985.143", "37.0.2062.94"):
        agents += [
            f'"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"'
            for system in _SYSTEMS
        ]
    for version in ("30.0", "31.0"):
        agents += [
            f"Mozilla/5.0 ({system}; rv:{version}) Gecko/20100101 Firefox/{version}"
            for system in (*_SYSTEMS[:3], "Macintosh; Intel Mac OS X 10.9", "X11; Ubuntu; Linux x86_64")
        ]
    agents += [
        '"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.78.2 (KHTML, like Gecko) Version/7.0.6 Safari/537.78.2"',
        '"Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) '
        'Version/7.0 Mobile/11D257 Safari/9537.53"',
        '"Mozilla/5.0 (iPad; CPU OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) '
        'Version/7.0 Mobile/11D257 Safari/9537.53"',
        '"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/36.0.1985.125 '
        'Chrome/36.0.1985.125 Safari/537.36"',
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    ]
    return agents


def as_logged(text: str) -> str:
    """The text as the log has it: UTF-8 read as Latin-1 and written as UTF-8, twice."""
    for _ in range(2):
        text = text.encode("utf-8").decode("latin-1")
    return text
