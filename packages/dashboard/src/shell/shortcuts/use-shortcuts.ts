// Keyboard shortcuts: single keys, and pairs such as `g` and then `d`. Not while something is typed, and not under a dialog or a menu.
import { useEffectEvent, useLayoutEffect } from "react";

/** A key as in `KeyboardEvent.key`, or two with a space between them. */
export type Shortcuts = Readonly<Record<string, () => void>>;

const PAIR_WITHIN_MS = 1_200;

export function useShortcuts(shortcuts: Shortcuts): void {
	const run = useEffectEvent((name: string): boolean => {
		const action = shortcuts[name];
		action?.();
		return action !== undefined;
	});
	// Before anybody sees what the keys are for: an effect that comes later would miss a key that is pressed at once.
	useLayoutEffect(() => {
		let first = "";
		let firstAt = 0;
		// The Escape that takes a dialog away is meant for nothing else.
		let wasUnderDialog = false;
		const onBegin = () => (wasUnderDialog = isUnderDialog());
		const onKey = (event: KeyboardEvent) => {
			if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
			if (wasUnderDialog || isUnderDialog()) return;
			const isPair = event.timeStamp - firstAt < PAIR_WITHIN_MS && run(`${first} ${event.key}`);
			first = isPair ? "" : event.key;
			firstAt = event.timeStamp;
			if (isPair || run(event.key)) event.preventDefault();
		};
		addEventListener("keydown", onBegin, { capture: true });
		document.addEventListener("keydown", onKey);
		return () => {
			removeEventListener("keydown", onBegin, { capture: true });
			document.removeEventListener("keydown", onKey);
		};
	}, []);
}

/** A menu takes keys as a dialog does, such as the Escape that closes it. */
function isUnderDialog(): boolean {
	return document.querySelector("[role=dialog], [role=menu]") !== null;
}

function isTyping(target: EventTarget | null): boolean {
	// Nothing is written into a check box: after a click on one the keys go on.
	if (!(target instanceof HTMLElement) || target.matches("[type=checkbox]")) return false;
	return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
