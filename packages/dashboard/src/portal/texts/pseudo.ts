// The pseudo-language `ar-XB`, as Unicode names it: English words that run from right to left, to see whether the layout holds.
import { en } from "./en.ts";
import type { Texts } from "./texts.ts";

const OVERRIDE = "\u202E";
const END = "\u202C";

/** Each word is reversed for the eye; what is read aloud, searched and copied stays the same. */
function reversed(text: string): string {
	return text.replaceAll(/\S+/g, (word) => `${OVERRIDE}${word}${END}`);
}

function pseudo(value: unknown): unknown {
	if (typeof value === "string") return reversed(value);
	if (typeof value === "function")
		return (...args: unknown[]) => pseudo((value as (...args: unknown[]) => unknown)(...args));
	if (Array.isArray(value)) return value.map(pseudo);
	return Object.fromEntries(Object.entries(value as object).map(([name, member]) => [name, pseudo(member)]));
}

export const rightToLeft = pseudo(en) as Texts;
