// The languages of the portal, and which one a reader gets.
import { en } from "./en.ts";

/** Every text of the portal. */
export type Texts = typeof en;

/** A language is loaded when somebody reads it; English is always there. */
const LANGUAGES: Readonly<Record<string, () => Promise<Texts>>> = {
	en: () => Promise.resolve(en),
	de: async () => (await import("./de.ts")).de,
	// For tests of the layout, by name alone: no browser asks for it.
	"ar-XB": async () => (await import("./pseudo.ts")).rightToLeft,
};

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ps", "ur", "yi"]);

/** What a reader gets: the locale decides about dates and numbers, its language about the texts. */
export interface Language {
	/** A BCP 47 tag, such as `de-AT`. */
	readonly locale: string;
	readonly direction: "ltr" | "rtl";
	readonly texts: Texts;
}

export const ENGLISH: Language = { locale: "en", direction: "ltr", texts: en };

/**
 * The first of the wishes for which there are texts; otherwise English.
 *
 * @example
 * await loadLanguage(["fr", "de-AT"]); // { locale: "de-AT", … }
 */
export async function loadLanguage(wishes: readonly string[]): Promise<Language> {
	for (const wish of wishes) {
		const locale = canonical(wish);
		const language = locale?.split("-")[0] ?? "";
		const known = [locale ?? "", language].find((one) => Object.hasOwn(LANGUAGES, one));
		if (locale === null || known === undefined) continue;
		try {
			const texts = await LANGUAGES[known]?.();
			if (texts !== undefined) return { locale, direction: RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr", texts };
		} catch {
			// The file did not come; English is here already.
			return ENGLISH;
		}
	}
	return ENGLISH;
}

/** Null if it is no BCP 47 tag: it may come from an address. */
function canonical(tag: string): string | null {
	try {
		return Intl.getCanonicalLocales(tag)[0] ?? null;
	} catch {
		return null;
	}
}
