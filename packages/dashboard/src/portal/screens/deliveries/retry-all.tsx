// Sends again all deliveries of a choice that have failed, after saying how many they are.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Ask } from "../../parts/form/ask.tsx";
import { Button } from "../../parts/form/button.tsx";
import { Note } from "../../parts/note.tsx";
import { Problem } from "../../parts/problem.tsx";
import { countQuery, retryAll, useChange, type DeliveryChoice } from "../../session/queries.ts";
import { useProject } from "../../session/use-session.ts";
import { useReader } from "../../texts/reader.tsx";

export function RetryAll({ choice }: { readonly choice: DeliveryChoice }) {
	const { texts, formats } = useReader();
	const { endpoint: words } = texts;
	const { data: found } = useQuery(countQuery(useProject(), { ...choice, shown: "failed" }));
	const [isAsking, setAsking] = useState(false);
	const retry = useChange(
		(project) => retryAll(project, choice),
		() => setAsking(false),
	);
	const { count = 0, complete = true } = found ?? {};
	const shown = complete ? formats.number(count) : `${formats.number(count)}+`;
	const isOne = choice.webhookId !== undefined;
	return (
		<>
			{count > 0 &&
				(isAsking ? (
					<Ask
						action={words.retryAll(count, shown)}
						isBusy={retry.isPending}
						onAgree={() => retry.mutate(null)}
						onCancel={() => setAsking(false)}
					>
						{isOne ? words.retryAsk(count, shown) : texts.deliveries.retryAsk(count, shown)}
					</Ask>
				) : (
					<div className="bar">
						<Button icon="retry" onClick={() => setAsking(true)}>
							{words.retryAll(count, shown)}
						</Button>
					</div>
				))}
			{retry.isError && <Problem error={retry.error} />}
			{retry.data !== undefined && (
				<Note tone="good" role="status" title={words.retried(retry.data, formats.number(retry.data))} />
			)}
		</>
	);
}
