// Whether what is shown is kept up to date.
import { Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useLiveMode } from "../live/use-live.ts";
import { reachQuery } from "../session/reach.ts";

const SIGNS = {
	live: ["Live", "Changes appear as they happen."],
	polling: ["Every 5 s", "The server has no live stream left, so changes appear every few seconds."],
	off: ["Not live", "The stream is lost; it is tried again. Reload to see what has changed."],
} as const;

export function LiveSign({ projectId }: { readonly projectId: string }) {
	const mode = useLiveMode(projectId);
	const { data: reach } = useQuery(reachQuery);
	if (mode === undefined || reach.awaySince !== null) return null;
	const [word, meaning] = SIGNS[mode];
	return (
		<Tooltip label={meaning}>
			<span className="live only-wide" data-mode={mode} tabIndex={0}>
				<span className="live-dot" aria-hidden />
				{word}
			</span>
		</Tooltip>
	);
}
