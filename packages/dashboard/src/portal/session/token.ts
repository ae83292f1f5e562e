// The token of the portal session: taken from the address, and kept for this tab alone.

/** In sessionStorage, so that a reload goes on. Other tabs and other origins never see it. */
const KEY = "fanfare.portal.token";

/** The token of the link that opened the page, which is removed from the address at once; null if there is none. */
export function takeLinkedToken(): string | null {
	const linked = new URLSearchParams(location.hash.slice(1)).get("t");
	if (linked !== null) history.replaceState(history.state, "", `${location.pathname}${location.search}`);
	return linked;
}

/** Keeps a token for a reload of this tab. */
export function keepToken(token: string): void {
	withStorage((storage) => storage.setItem(KEY, token));
}

/** The token that this tab has had before a reload. */
export function keptToken(): string | null {
	return withStorage((storage) => storage.getItem(KEY)) ?? null;
}

export function forgetToken(): void {
	withStorage((storage) => storage.removeItem(KEY));
}

/** Browsers may refuse storage. Then the token is in memory only, and a reload needs another one. */
function withStorage<Result>(act: (storage: Storage) => Result): Result | undefined {
	try {
		return act(sessionStorage);
	} catch {
		return undefined;
	}
}
