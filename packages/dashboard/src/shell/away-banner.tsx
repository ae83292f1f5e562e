// Says that the server does not answer, since when, and asks again until it does.
import { useQuery } from "@tanstack/react-query";

import { Icon } from "../parts/layout/icon.tsx";
import { Time } from "../parts/text/time.tsx";
import { useConnection } from "../session/caller.ts";
import { reachQuery } from "../session/reach.ts";

const ASK_EVERY_MS = 2_000;

export function AwayBanner() {
	const connection = useConnection();
	const { data } = useQuery(reachQuery);
	const isAway = data.awaySince !== null;
	// Any answer, also a refusal, ends the absence: see Connection.
	useQuery({
		queryKey: ["reach-probe"],
		queryFn: ({ signal }) => connection.client.getCaller({ signal, maxRetries: 0, timeoutMs: 5_000 }).catch(() => null),
		enabled: isAway,
		refetchInterval: ASK_EVERY_MS,
		gcTime: 0,
	});
	if (data.awaySince === null) return null;
	return (
		<div className="banner" role="status">
			<Icon name="alert" />
			<span>
				The server has not answered since <Time at={data.awaySince} />. Trying again; nothing that you typed is lost.
			</span>
		</div>
	);
}
