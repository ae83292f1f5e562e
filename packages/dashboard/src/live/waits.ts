// Waits that end early when a signal aborts. None of them rejects.

/** Resolves when the tab is visible, or hidden; at once if it is already. */
export function visibility(isVisible: boolean, signal: AbortSignal): Promise<void> {
	const isSo = () => (document.visibilityState === "visible") === isVisible;
	return new Promise((resolve) => {
		const look = () => {
			if (!isSo() && !signal.aborted) return;
			document.removeEventListener("visibilitychange", look);
			signal.removeEventListener("abort", look);
			resolve();
		};
		document.addEventListener("visibilitychange", look);
		signal.addEventListener("abort", look);
		look();
	});
}

/** Runs `work` while the tab is visible, for as long as it wants: its signal aborts when the tab is hidden, or with `ended`. */
export async function whileVisible(ended: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
	const enough = new AbortController();
	const end = () => enough.abort();
	if (ended.aborted) end();
	ended.addEventListener("abort", end);
	void visibility(false, enough.signal).then(end);
	try {
		await work(enough.signal);
	} finally {
		end();
		ended.removeEventListener("abort", end);
	}
}

/** Resolves after the time, or when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const end = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", end);
			resolve();
		};
		const timer = setTimeout(end, ms);
		signal.addEventListener("abort", end);
	});
}
