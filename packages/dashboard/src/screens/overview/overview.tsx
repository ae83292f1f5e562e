// S2: how a project does. What needs a person comes first.
import type { ProjectHandle, Stats, Webhook } from "@fanfare/sdk";
import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { rangeSearch, type Range } from "../../app/search.ts";
import { Bars } from "../../parts/chart/bars.tsx";
import { FailureCauses } from "../../parts/chart/failure-causes.tsx";
import { Numbers, Since } from "../../parts/chart/numbers.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { ItemsShape, Loading, NumbersShape } from "../../parts/feedback/skeletons.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { count, duration, share } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { union, type Found } from "../webhooks/found.ts";
import { useRecentWebhooks } from "../webhooks/newest.ts";
import { useTroubledWebhooks, type Troubled } from "../webhooks/queries.ts";
import { Attention, type KnownWebhooks } from "./attention/attention.tsx";
import { FirstSteps, useFirstSteps } from "./first-steps.tsx";
import { statsQuery } from "./queries.ts";

const route = getRouteApi("/$projectId/");
const RANGES: readonly { readonly value: Range; readonly label: string }[] = [
	{ value: "1h", label: "1 hour" },
	{ value: "24h", label: "24 hours" },
	{ value: "7d", label: "7 days" },
	{ value: "30d", label: "30 days" },
];

export function OverviewScreen() {
	const project = useProject();
	// Nothing of another project is kept, neither its numbers nor its first steps.
	return <Overview key={project.id} project={project} />;
}

function Overview({ project }: { readonly project: ProjectHandle }) {
	const { range = "24h" } = route.useSearch();
	const navigate = route.useNavigate();
	const ofRecent = useRecentWebhooks();
	const { data: recent } = ofRecent;
	const isPart = recent?.isWhole === false;
	const ofTroubled = useTroubledWebhooks(isPart);
	const ofStats = useQuery(statsQuery(project, range));
	const { data: stats } = ofStats;
	const error = ofRecent.error ?? ofStats.error;
	const retry = () => Promise.all([ofRecent, ofStats].filter((query) => query.isError).map((query) => query.refetch()));
	const known = recent && knownOf(recent, ofTroubled.data ?? (ofTroubled.isError ? NO_SEARCH : undefined), stats);
	const isNew = recent !== undefined && stats !== undefined && isNewProject(recent, stats);
	const firstSteps = useFirstSteps(project.id, isNew);
	return (
		<>
			<PageHead
				title="Overview"
				actions={
					<SegmentedControl
						size="xs"
						aria-label="Range"
						data={[...RANGES]}
						value={range}
						onChange={(value) => {
							const range = RANGES.find((one) => one.value === value)?.value;
							void navigate({ search: range === "24h" ? {} : { range }, replace: true });
						}}
					/>
				}
			/>
			{error !== null && <Problem error={error} what="The overview could not be loaded" onRetry={retry} />}
			{ofTroubled.error !== null && (
				<Problem
					error={ofTroubled.error}
					what="Only the newest webhooks were searched for those in trouble"
					onRetry={ofTroubled.refetch}
				/>
			)}
			{known === undefined && error === null && (
				<Loading label="what needs attention">
					<ItemsShape items={3} />
				</Loading>
			)}
			{known !== undefined && known.webhooks.length > 0 && (
				<Attention projectId={project.id} known={known} isQuiet={isNew} />
			)}
			{recent !== undefined && stats !== undefined && firstSteps.isShown && (
				<FirstSteps hasWebhook={recent.webhooks.length > 0} stats={stats} onClose={firstSteps.close} />
			)}
			{stats === undefined && error === null && (
				<Loading label="the numbers">
					<NumbersShape count={6} chartPx={150} />
				</Loading>
			)}
			{stats !== undefined && (
				<section className="card card-pad stack" aria-label="Deliveries">
					<Numbers
						items={[
							{
								name: "Succeeded",
								value: share(stats.totals.succeeded, stats.totals.succeeded + stats.totals.exhausted),
								detail: `${count(stats.totals.succeeded)} of ${count(stats.totals.succeeded + stats.totals.exhausted)}`,
							},
							{ name: "Events", value: count(stats.totals.accepted) },
							{
								name: "Failed now",
								value: <StatusLink status="Failed" value={stats.deliveries.Failed} />,
								...(stats.deliveries.Failed > 0 && { tone: "bad" as const }),
							},
							{
								name: "Pending now",
								value: <StatusLink status="Pending" value={stats.deliveries.Pending} />,
								detail: <Since at={stats.waitingSince.Pending} />,
							},
							{
								name: "Held now",
								value: <StatusLink status="Held" value={stats.deliveries.Held} />,
								detail: <Since at={stats.waitingSince.Held} />,
								...(stats.deliveries.Held > 0 && { tone: "warn" as const }),
							},
							{
								name: "Response time",
								value: stats.totals.latencyMs.p50 === null ? "–" : duration(stats.totals.latencyMs.p50),
								detail: `p95 ${msOf(stats.totals.latencyMs.p95)} · p99 ${msOf(stats.totals.latencyMs.p99)}`,
							},
						]}
					/>
					<Bars
						height={150}
						goodWord="succeeded"
						badWord="exhausted"
						onRange={(from, before) =>
							void navigate({ to: "/$projectId/deliveries", search: rangeSearch(from, before) })
						}
						buckets={stats.data.map(({ start, succeeded, exhausted }) => ({ start, good: succeeded, bad: exhausted }))}
					/>
				</section>
			)}
			{stats !== undefined && (
				<FailureCauses projectId={project.id} totals={stats.totals} search={{ changed: range }} />
			)}
		</>
	);
}

/** Whether nothing has ever arrived, as far as is known: what has may be deleted with its age. */
function isNewProject({ webhooks }: Found, { deliveries }: Stats): boolean {
	if (webhooks.length === 0) return true;
	return deliveries.Succeeded === 0 && !webhooks.some(hasSucceeded);
}

/** The search for those in trouble has failed: there may be more than are loaded. */
const NO_SEARCH: Pick<Troubled, "byState"> = {
	byState: {
		failing: { webhooks: [], isWhole: false },
		paused: { webhooks: [], isWhole: false },
		disabled: { webhooks: [], isWhole: false },
	},
};

/** Whether the last attempt has succeeded. Of others it is not known. */
function hasSucceeded({ lastAttempt }: Webhook): boolean {
	return lastAttempt !== null && lastAttempt.responseCode >= 200 && lastAttempt.responseCode < 300;
}

/**
 * What is known of the webhooks: of a project with many, the newest ones and those in trouble. Undefined until it is known whether others need
 * somebody.
 */
function knownOf(
	recent: Found,
	troubled: Pick<Troubled, "byState"> | undefined,
	stats: Stats | undefined,
): KnownWebhooks | undefined {
	const count = recent.webhooks.length;
	if (recent.isWhole) return { ...recent, count, isTroubleWhole: true, failedInAll: 0 };
	if (troubled === undefined || stats === undefined) return undefined;
	const found = Object.values(troubled.byState);
	const webhooks = union(
		recent.webhooks,
		found.flatMap((one) => one.webhooks),
	);
	return {
		webhooks,
		count,
		isWhole: false,
		isTroubleWhole: found.every(({ isWhole }) => isWhole),
		failedInAll: stats.deliveries.Failed,
	};
}

function StatusLink({ status, value }: { readonly status: "Failed" | "Pending" | "Held"; readonly value: number }) {
	return (
		<Link className="number-link" from="/$projectId/" to="/$projectId/deliveries" search={{ status }}>
			{count(value)}
		</Link>
	);
}

function msOf(value: number | null): string {
	return value === null ? "–" : duration(value);
}
