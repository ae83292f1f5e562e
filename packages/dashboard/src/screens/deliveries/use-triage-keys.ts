// Triage by keyboard: j and k go from row to row, x selects. Enter, middle click and all else are those of a link.
import { useShortcuts } from "../../shell/use-shortcuts.ts";

interface TriageKeys {
	/** Called with the delivery that the focus has moved to. */
	readonly onRow: (id: string) => void;
	/** Null if rows cannot be selected. */
	readonly onSelect: ((id: string) => void) | null;
}

export function useTriageKeys({ onRow, onSelect }: TriageKeys): void {
	const move = (by: number) => {
		const links = [...document.querySelectorAll<HTMLElement>("[data-row]")];
		const index = links.findIndex((link) => link === document.activeElement);
		const next = links[index === -1 ? 0 : Math.min(links.length - 1, Math.max(0, index + by))];
		const id = next?.dataset["row"];
		if (next === undefined || id === undefined) return;
		next.focus();
		onRow(id);
	};
	useShortcuts({
		j: () => move(1),
		k: () => move(-1),
		x: () => {
			const { activeElement } = document;
			const id = activeElement instanceof HTMLElement ? activeElement.dataset["row"] : undefined;
			if (id !== undefined) onSelect?.(id);
		},
	});
}
