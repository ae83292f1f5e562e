// Whether what is shown is kept up to date, and the button that pauses that.
import { Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useLiveMode, useLivePause } from "../live/use-live.ts";
import { reachQuery } from "../session/reach.ts";
import { useShortcuts } from "./shortcuts/use-shortcuts.ts";

/** What the sign says, what that means, and what the button does. */
const SIGNS = {
	live: ["Live", "Changes appear as they happen. Press to pause.", "pause"],
	polling: [
		"Every 5 s",
		"No stream is free: other tabs or other clients use them. So changes appear every few seconds. Press to pause.",
		"pause",
	],
	off: ["Not live", "The stream is lost; it is tried again. Reload to see what has changed.", "pause"],
	paused: ["Paused", "Live changes are not shown. Press to go on, and to see what has changed meanwhile.", "go on"],
} as const;

export function LiveSign({ projectId }: { readonly projectId: string }) {
	const mode = useLiveMode(projectId);
	const [isPaused, toggle] = useLivePause(projectId);
	const { data: reach } = useQuery(reachQuery);
	const isShown = mode !== undefined && reach.awaySince === null;
	// Nobody would see what the key has done.
	useShortcuts(isShown ? { ".": toggle } : {});
	if (!isShown) return null;
	const shown = isPaused ? "paused" : mode;
	const [word, meaning, action] = SIGNS[shown];
	return (
		<Tooltip label={meaning}>
			<button
				type="button"
				className={isPaused ? "live" : "live only-wide"}
				data-mode={shown}
				aria-label={`${word}: ${action}`}
				onClick={toggle}
			>
				<span className="live-dot" aria-hidden />
				{word}
			</button>
		</Tooltip>
	);
}
