// Choosing a part of a chart over time: by dragging, or by the arrow keys.
import { useState, type KeyboardEvent, type PointerEvent } from "react";

/** The first and the last bucket of a part, in any order. */
export interface Part {
	readonly anchor: number;
	readonly end: number;
}

export interface RangeChoice {
	/** What is marked; null if nothing is. */
	readonly part: Part | null;
	/** Whether the pointer is dragging, so that the part is not chosen yet. */
	readonly isDragging: boolean;
	readonly clear: () => void;
	readonly handlers: {
		readonly onPointerDown: (event: PointerEvent) => void;
		readonly onPointerMove: (event: PointerEvent) => void;
		readonly onPointerUp: (event: PointerEvent) => void;
		readonly onPointerCancel: () => void;
		readonly onKeyDown: (event: KeyboardEvent) => void;
	};
}

const STEPS: Readonly<Record<string, number>> = {
	ArrowLeft: -1,
	ArrowRight: 1,
	PageUp: -10,
	PageDown: 10,
	Home: Number.NEGATIVE_INFINITY,
	End: Number.POSITIVE_INFINITY,
};

/** `count` buckets of the same width. `onChoose` is told the first and the last bucket of what Enter agrees to. */
export function useRangeChoice(count: number, onChoose: (first: number, last: number) => void): RangeChoice {
	const [part, setPart] = useState<Part | null>(null);
	const [isDragging, setDragging] = useState(false);
	const clear = () => setPart(null);
	const bounded = (index: number) => Math.min(count - 1, Math.max(0, index));
	const bucketAt = ({ currentTarget, clientX }: PointerEvent) => {
		const { left, width } = currentTarget.getBoundingClientRect();
		return bounded(Math.floor(((clientX - left) / width) * count));
	};
	return {
		part: part === null || Math.max(part.anchor, part.end) >= count ? null : part,
		isDragging,
		clear,
		handlers: {
			onPointerDown(event) {
				if (event.button !== 0 || count === 0) return;
				event.currentTarget.setPointerCapture(event.pointerId);
				const anchor = bucketAt(event);
				setDragging(true);
				setPart({ anchor, end: anchor });
			},
			onPointerMove(event) {
				if (isDragging && part !== null) setPart({ ...part, end: bucketAt(event) });
			},
			onPointerUp() {
				setDragging(false);
			},
			onPointerCancel() {
				setDragging(false);
				setPart(null);
			},
			onKeyDown(event) {
				const step = STEPS[event.key];
				if (event.key === "Escape" && part !== null) {
					event.stopPropagation();
					clear();
				} else if (event.key === "Enter" && part !== null) {
					event.preventDefault();
					onChoose(Math.min(part.anchor, part.end), Math.max(part.anchor, part.end));
				} else if (step !== undefined && count > 0 && !event.altKey && !event.ctrlKey && !event.metaKey) {
					event.preventDefault();
					const from = part?.end ?? (step > 0 ? -1 : count);
					const end = bounded(from + step);
					setPart(event.shiftKey && part !== null ? { anchor: part.anchor, end } : { anchor: end, end });
				}
			},
		},
	};
}
