// Whether what is shown is kept up to date, and the button that pauses that.
import { Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useLiveMode, useLivePause } from "../live/use-live.ts";
import { reachQuery } from "../session/reach.ts";
import { useShortcuts } from "./use-shortcuts.ts";

const SIGNS = {
	live: ["Live", "Changes appear as they happen. Press to pause."],
	polling: ["Every 5 s", "The server has no live stream left, so changes appear every few seconds. Press to pause."],
	off: ["Not live", "The stream is lost; it is tried again. Reload to see what has changed."],
	paused: ["Paused", "Nothing moves. Press to go on, and to see what has changed meanwhile."],
} as const;

export function LiveSign({ projectId }: { readonly projectId: string }) {
	const mode = useLiveMode(projectId);
	const [isPaused, toggle] = useLivePause(projectId);
	const { data: reach } = useQuery(reachQuery);
	useShortcuts({ ".": toggle });
	if (mode === undefined || reach.awaySince !== null) return null;
	const shown = isPaused ? "paused" : mode;
	const [word, meaning] = SIGNS[shown];
	return (
		<Tooltip label={meaning}>
			<button
				type="button"
				className={isPaused ? "live" : "live only-wide"}
				data-mode={shown}
				aria-pressed={isPaused}
				onClick={toggle}
			>
				<span className="live-dot" aria-hidden />
				{word}
			</button>
		</Tooltip>
	);
}
