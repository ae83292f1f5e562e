// What the list shows if nothing matches: which filter leaves the most out, and how much there is without it.
import type { DeliveryCount } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import type { DeliveriesSearch } from "../../app/search.ts";
import { Empty } from "../../parts/feedback/empty.tsx";
import { count } from "../../parts/text/format.ts";
import { useZone } from "../../parts/text/zone.ts";
import { useMay, useProject } from "../../session/caller.ts";
import { SendLink } from "../events/send-link.tsx";
import type { WebhookName } from "../webhooks/names.ts";
import { filtersOf, filterWords } from "./filter-words.ts";
import { withoutOneQuery } from "./queries.ts";

/** Filters that are offered to be removed, those that leave out the most first. */
const OFFERED = 3;

const route = getRouteApi("/$projectId/deliveries");

function matchingWords({ count: found, complete }: DeliveryCount): string {
	if (complete) return count(found);
	return found === 0 ? "perhaps some" : `more than ${count(found)}`;
}

interface NothingProps {
	readonly search: DeliveriesSearch;
	readonly webhooks: readonly WebhookName[];
}

export function Nothing({ search, webhooks }: NothingProps) {
	const mayWrite = useMay("write");
	if (filtersOf(search).length === 0) {
		return (
			<Empty icon="deliveries" title="No delivery yet" actions={mayWrite && <First hasWebhook={webhooks.length > 0} />}>
				When an event is sent that a webhook wants, its way to that webhook appears here: each attempt, each response,
				and when the next attempt is made.
			</Empty>
		);
	}
	return <NothingMatches search={search} webhooks={webhooks} />;
}

/** What leads to the first delivery. */
function First({ hasWebhook }: { readonly hasWebhook: boolean }) {
	if (hasWebhook) return <SendLink search={{}} />;
	return (
		<>
			<Link className="link" from="/$projectId/deliveries" to="/$projectId/webhooks" search={{ form: "new" }}>
				Add a webhook ›
			</Link>
			<Link className="link" from="/$projectId/deliveries" to="/$projectId/inbox">
				Use the Inbox ›
			</Link>
		</>
	);
}

function NothingMatches({ search, webhooks }: NothingProps) {
	const navigate = route.useNavigate();
	const [zone] = useZone();
	const { data: found, error } = useQuery(withoutOneQuery(useProject(), search));
	const named = (found ?? []).slice(0, OFFERED).map(({ name, value, counted }) => ({
		name,
		words: filterWords(name, value, { webhooks, zone }),
		matching: matchingWords(counted),
	}));
	const isOne = filtersOf(search).length === 1;
	return (
		<Empty
			icon="search"
			title="No delivery matches"
			actions={
				<>
					{named.map(({ name, words, matching }) => (
						<Button
							key={name}
							size="xs"
							variant="default"
							onClick={() => void navigate({ search: (search) => ({ ...search, [name]: undefined }) })}
						>
							Without {words}: {matching}
						</Button>
					))}
					<Link className="link" from="/$projectId/deliveries" to="/$projectId/deliveries" search={{}}>
						Remove all filters
					</Link>
				</>
			}
		>
			<span role="status">
				{isOne || error !== null
					? "Nothing matches the filter above. Remove it to see more."
					: found === undefined
						? "Nothing matches all of the filters above. Looking for the one that leaves out the most…"
						: named[0] === undefined
							? "Nothing matches all of the filters above, and no single one of them is the reason: remove several."
							: `${named[0].words} leaves out the most: ${named[0].matching} would match without it.`}
			</span>
		</Empty>
	);
}
