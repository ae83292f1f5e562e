// How the reader and the page around want the portal: language and look.
import type { CallerPortalSession } from "@fanfare/sdk";
import { useEffect, useState } from "react";

import { applyLook } from "./look/apply-look.ts";
import { checkLook } from "./look/look.ts";
import { loadLanguage, type Language } from "./texts/texts.ts";

/** What the page around has said. */
export interface Wishes {
	readonly theme?: unknown;
	readonly locale?: string | undefined;
	readonly timeZone?: string | undefined;
}

/** By `lang` in the address, the page around, the session, and the browser, in this order. Null until it is loaded. */
export function useLanguage(session: CallerPortalSession | null, { locale }: Wishes): Language | null {
	const [language, setLanguage] = useState<Language | null>(null);
	const fromSession = session?.locale ?? undefined;
	useEffect(() => {
		let isWanted = true;
		const inAddress = new URLSearchParams(location.search).get("lang") ?? undefined;
		const wishes = [inAddress, locale, fromSession, ...navigator.languages].filter((wish) => wish !== undefined);
		const load = async () => {
			const language = await loadLanguage(wishes);
			if (!isWanted) return;
			document.documentElement.lang = language.locale;
			document.documentElement.dir = language.direction;
			setLanguage(language);
		};
		void load();
		return () => {
			isWanted = false;
		};
	}, [locale, fromSession]);
	return language;
}

/** What the page around says goes before what the session says. */
export function useLook(session: CallerPortalSession | null, { theme }: Wishes): void {
	const [fromSession, setFromSession] = useState(session?.theme ?? null);
	// It stays after the end of the session.
	if (session !== null && session.theme !== fromSession) setFromSession(session.theme);
	useEffect(() => applyLook({ ...checkLook(fromSession), ...checkLook(theme) }), [fromSession, theme]);
}
