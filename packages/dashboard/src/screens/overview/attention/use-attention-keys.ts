// The overview by keyboard: j and k go from item to item, r retries what has failed, a sets aside. Enter is that of a link.
import { useShortcuts } from "../../../shell/shortcuts/use-shortcuts.ts";

interface AttentionKeys {
	/** Null if the key may not retry. */
	readonly onRetry: ((id: string) => void) | null;
	readonly onAside: (id: string) => void;
}

export function useAttentionKeys({ onRetry, onAside }: AttentionKeys): void {
	const links = () => [...document.querySelectorAll<HTMLElement>("[data-item]")];
	const focused = () => links().find((link) => link === document.activeElement);
	const move = (by: number) => {
		const all = links();
		const index = all.findIndex((link) => link === document.activeElement);
		all[index === -1 ? 0 : Math.min(all.length - 1, Math.max(0, index + by))]?.focus();
	};
	/** Of the focused item, or of the first one: the most urgent. */
	const act = (action: ((id: string) => void) | null) => () => {
		const id = (focused() ?? links()[0])?.dataset["item"];
		if (id !== undefined) action?.(id);
	};
	useShortcuts({ j: () => move(1), k: () => move(-1), r: act(onRetry), a: act(onAside) });
}
