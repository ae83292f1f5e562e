// Portal sessions: their tokens, and which values of theirs are valid.
import { expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { isSecretKey } from "./key.ts";
import {
	canonicalLocale,
	canonicalReturnUrl,
	generatePortalToken,
	isPortalToken,
	looksLikePortalToken,
} from "./portal-session.ts";
import { COLOR_PATTERN, FONT_PATTERN } from "./portal-theme.ts";

it("makes a different token each time, which is no key", () => {
	const token = generatePortalToken(systemChance);
	expect(token).toMatch(/^ps_[A-Za-z0-9_-]{43}$/);
	expect([isPortalToken(token), looksLikePortalToken(token), isSecretKey(token)]).toEqual([true, true, false]);
	expect(generatePortalToken(systemChance)).not.toBe(token);
});

it.each(["", "ps_", `ps_${"A".repeat(42)}`, `ps_${"A".repeat(44)}`, `ps_${"A".repeat(42)}=`, `sk_${"A".repeat(43)}`])(
	"%j is no token",
	(text) => expect(isPortalToken(text)).toBe(false),
);

it.each([
	["https://example.com/account?a=1#b", "https://example.com/account?a=1#b"],
	["HTTP://Example.COM", "http://example.com/"],
	["http://localhost:3000/x", "http://localhost:3000/x"],
	["https://exämple.com/ü", "https://xn--exmple-cua.com/%C3%BC"],
	["javascript:alert(1)", null],
	["JavaScript://example.com/%0Aalert(1)", null],
	["data:text/html,x", null],
	["https:example.com", null],
	["//example.com", null],
	["/account", null],
	["https://user:secret@example.com/", null],
	["https://user@example.com/", null],
	["https://example.com\\@evil.example/", null],
	[" https://example.com/", null],
	["https://example.com/a b", null],
	["https://example.com/\n", null],
	["https://", null],
	["https://exa mple.com", null],
	[`https://example.com/\ud800`, null],
	[`https://example.com/${"a".repeat(2_048)}`, null],
	[`https://example.com/${"ü".repeat(1_000)}`, null],
	["", null],
])("the return URL %j is %j", (text, expected) => expect(canonicalReturnUrl(text)).toBe(expected));

it.each([
	["de", "de"],
	["pt-br", "pt-BR"],
	["zh-hant-tw", "zh-Hant-TW"],
	["de-CH-1996", "de-CH-1996"],
	["deutsch german", null],
	["de_CH", null],
	["e", null],
	["", null],
	['de"><script>', null],
	[`de-${"a".repeat(62)}`, null],
])("the language %j is %j", (text, expected) => expect(canonicalLocale(text)).toBe(expected));

it.each(["#fff", "#0B7285"])("%s is a colour", (text) => expect(COLOR_PATTERN.test(text)).toBe(true));

it.each([
	"red",
	"#ffff",
	"#fffffff",
	"#ggg",
	"#fff;}",
	"#fff\n",
	"url(x)",
	"rgb(1,2,3)",
	"var(--x)",
	"#fff;}</style>",
	"",
])("%j is no colour", (text) => expect(COLOR_PATTERN.test(text)).toBe(false));

it.each(["Inter", "IBM Plex Sans", "system-ui"])("%s is a font", (text) => expect(FONT_PATTERN.test(text)).toBe(true));

it.each([
	"",
	" Inter",
	"Inter ",
	"Open  Sans",
	'"Inter"',
	"Inter, Arial",
	"a;}</style>",
	"a}body{display:none",
	"url(x)",
	"expression(alert(1))",
	"Inter\n",
	"a\\65",
	"a/**/b",
	"3d",
])("%j is no font", (text) => expect(FONT_PATTERN.test(text)).toBe(false));
