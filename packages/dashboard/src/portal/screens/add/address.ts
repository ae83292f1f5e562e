// The address of an endpoint, as somebody types it.
import type { Texts } from "../../texts/texts.ts";

/** What is wrong with it, as far as can be seen without asking the server. */
export function addressError(url: string, texts: Texts["add"]): string | undefined {
	const typed = url.trim();
	if (typed === "") return texts.urlMissing;
	return URL.canParse(typed) && /^https?:$/.test(new URL(typed).protocol) ? undefined : texts.urlWrong;
}

/** The host, if no name was typed. */
export function nameFor(name: string, url: string): string {
	return name.trim() === "" ? new URL(url.trim()).host : name.trim();
}
