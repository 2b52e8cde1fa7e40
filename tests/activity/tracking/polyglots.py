"""A hundred texts that mean one thing in one place and another in the next, with a link among them."""

LINK = '<a href="https://x.example/a?b=1&amp;c=2">x</a>'

_PIECES = (
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A//</stYle/</titLe/</teXtarEa/</scRipt/--!>"
    "\\x3csVg/<sVg/oNloAd=alert()//>\\x3e",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "<!--[if mso]><table><tr><td><a href='https://m.example/'>m</a></td></tr></table><![endif]-->",
    "<![if !mso]><p>not Outlook</p><![endif]>",
    "<style>a{color:red}</style><title><a href='https://t.example/'></title>",
    "<textarea><a href='https://u.example/'>x</a></textarea>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<svg><![CDATA[<a href='https://c.example/'>]]></svg>",
    "<table><tr><td>unclosed <b>bold <i>both</b> italic</i>",
    "<p>one<p>two<li>three",
    "&lt;a href='https://e.example/'&gt; &amp;amp; &copy;=&#60;script&#62;",
    "<o:p>&nbsp;</o:p><w:sdt docPart='x'/>",
    "<?xml version='1.0'?><!DOCTYPE html [<!ENTITY a 'b'>]>",
    "<a name=top></a><a href='#top'>up</a><a href='mailto:a@b.example'>m</a><a href='tel:+4930'>t</a>",
    "\x00\ufeff\u202e\u2028<b>\u200b</b>\U0001f600",
    "<br/ ><hr / ><img src='cid:logo'/ alt=x>",
    "<div data-x='<a href=\"https://d.example/\">'>quoted</div>",
    "<template><a href='/relative'>r</a></template><base href='https://b.example/'>",
)
_FRAMES = (
    "{0}{1}",
    "<!doctype html><html><head><meta charset=utf-8></head><body class='x'>{0}<p>{1}</p></body></html>\n",
    "{1}<div style='a:b'>{0}</div>{1}",
    "<html><body>{1}</body></html>{0}",
    "<p\n>{1}</p\n><blockquote>{0}</blockquote><!-- end -->",
)

POLYGLOTS = tuple(frame.format(piece, LINK) for frame in _FRAMES for piece in _PIECES)
