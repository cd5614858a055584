"""Files of profiles as people have them, and as real AWS tools read them."""

from __future__ import annotations

CONFIGS: dict[str, str] = {
    "nothing": "",
    "a byte order mark": "\ufeff[default]\nregion = a\n[profile x]\nregion = b\n",
    "CRLF": "[default]\r\nregion = a\r\n[profile x]\r\nregion = b\r\n",
    "the ends of old Macs": "[default]\rregion = a\r[profile x]\rregion = b\r",
    "a section twice": "[profile x]\nregion = a\n[profile x]\noutput = b\n",
    "a section twice, once quoted": '[profile "x"]\nregion = a\n[profile x]\noutput = b\n',
    "a setting twice": "[profile x]\nRegion = a\nregion = b\n",
    "a bare name": "[x]\nregion = a\n[profile y]\nregion = b\n",
    "a bare name beside the profile": "[x]\nregion = a\n[profile x]\nregion = b\n",
    "default, then profile default": "[default]\nregion = a\n[profile default]\nregion = b\n",
    "profile default, then default": "[profile default]\nregion = a\n[default]\nregion = b\n",
    "quoted names": "[profile 'a b']\nregion = a\n[profile \"c\"]\nregion = b\n[profile d\\ e]\nregion = c\n",
    "a quote alone": "[profile it's]\nregion = a\n[profile y]\nregion = b\n",
    "two words": "[profile two words]\nregion = a\n[profile y]\nregion = b\n",
    "values below a value": "[profile x]\ns3 =\n  region = n\nregion = a\n[profile y]\nregion = b\n",
    "a line below a value that is none": "[profile x]\ns3 =\n  nonsense\nregion = a\n",
    "an indented head behind a setting": "[profile x]\nregion = a\n  [profile y]\n[profile z]\nregion = b\n",
    "an indented head at the beginning": "  [profile x]\n  region = a\n",
    "comments": "# [profile n]\n; [profile m]\n[profile x] # told\nregion = a # kept\n",
    "a comment with a bracket behind a head": "[profile x] # [y]\nregion = a\n",
    "capitals": "[Profile x]\nregion = a\n[profile B]\nREGION = b\n[profile b]\nregion = c\n",
    "DEFAULT for all": "[DEFAULT]\nregion = a\n[profile x]\noutput = b\n",
    "blanks in heads": (
        "[ profile w ]\nregion = a\n[profile  x]\nregion = b\n[profile y ]\nregion = c\n[profile\tz]\nregion = d\n"
    ),
    "a kind that only begins like one": "[profilex y]\nregion = a\n[profile]\nregion = b\n",
    "sso-session and services": (
        "[sso-session s]\nsso_region = a\n[services t]\nsso =\n  endpoint_url = http://x\n[profile x]\nregion = b\n"
    ),
    "a setting without a value": "[profile x]\nregion\n",
    "a setting before all sections": "region = a\n[profile x]\nregion = b\n",
    "other ends of lines in a comment": "# note \u2028[profile n]\n# more \x0b[profile m]\n[profile x]\nregion = a\n",
    "other scripts": "[profile 生产]\nregion = a\n[profile 🚀]\nregion = b\n",
    "a colon": "[profile x]\nregion: a\n",
}
CREDENTIALS: dict[str, str] = {
    "names": "[default]\nregion = a\n[x]\nregion = b\n",
    "the word profile belongs to the name": "[profile x]\nregion = a\n",
    "quotes belong to the name": '["x"]\nregion = a\n',
    "a section twice": "[x]\nregion = a\n[x]\nregion = b\n",
    "a byte order mark": "\ufeff[x]\nregion = a\n",
    "DEFAULT for all": "[DEFAULT]\nregion = a\n[x]\noutput = b\n",
}
