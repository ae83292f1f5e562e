// Sign-in links: their token is in the fragment of the address, which browsers send to nobody.

const MARK = "#link=";

/**
 * The token of the sign-in link that the page was opened with; null if it was opened otherwise. The token is taken out of the address,
 * so that it is neither in the history nor in what somebody copies.
 */
export function takeLink(): string | null {
	const { hash, pathname, search } = location;
	if (!hash.startsWith(MARK)) return null;
	history.replaceState(history.state, "", `${pathname}${search}`);
	return hash.slice(MARK.length);
}

/** Somebody has opened a link in this tab, and only the fragment has changed: the page begins anew with it. */
export function reloadForLinks(): void {
	addEventListener("hashchange", () => {
		if (location.hash.startsWith(MARK)) location.reload();
	});
}

/** What somebody typed to sign in: a key, or a sign-in link, whole or only its token. */
export function readCredential(text: string): { readonly key: string } | { readonly link: string } {
	const trimmed = text.trim();
	const mark = trimmed.indexOf(MARK);
	if (mark >= 0) return { link: trimmed.slice(mark + MARK.length) };
	return trimmed.startsWith("sl_") ? { link: trimmed } : { key: trimmed };
}
