// S9: the settings of a project: its name, which events it accepts, how long it keeps them, quotas, and its end.
import { useQuery } from "@tanstack/react-query";

import { Numbers } from "../../parts/chart/numbers.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Bone, FactsShape, FormShape, Loading } from "../../parts/feedback/skeletons.tsx";
import { Fact } from "../../parts/layout/fact.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Id } from "../../parts/text/copy.tsx";
import { count, share } from "../../parts/text/format.ts";
import { Time } from "../../parts/text/time.tsx";
import { useConnection, useProject } from "../../session/caller.ts";
import { useIsWorkspaceAdmin } from "../../session/workspace.ts";
import { byteCount } from "./byte-count.ts";
import { DeleteProject } from "./delete-project.tsx";
import { projectQuery, usageQuery, type ProjectSettings } from "./project-query.ts";
import { SettingsForm } from "./settings-form.tsx";

export function SettingsScreen() {
	const { id } = useProject();
	const mayChange = useIsWorkspaceAdmin();
	const {
		data: settings,
		error,
		refetch,
	} = useQuery({
		...projectQuery(useConnection(), id),
		// No item of the stream tells of a change, and what was typed before may be waiting for the form.
		refetchOnMount: "always",
	});
	const { data: usage } = useQuery(usageQuery(useProject()));
	return (
		<>
			<PageHead title="Settings" />
			{error !== null && <Problem error={error} what="The settings could not be loaded" onRetry={refetch} />}
			{settings === undefined && error === null && (
				<Loading label="the settings">
					<div className="beside">
						<FormShape fields={6} />
						<FactsShape facts={3} />
					</div>
				</Loading>
			)}
			{settings !== undefined && (
				<div className="beside">
					<div className="stack">
						<SettingsForm key={settings.id} settings={settings} server={usage?.serverSettings} mayChange={mayChange} />
						{mayChange && <DeleteProject key={settings.id} settings={settings} />}
					</div>
					<Aside settings={settings} />
				</div>
			)}
		</>
	);
}

function Aside({ settings }: { readonly settings: ProjectSettings }) {
	const project = useProject();
	const usage = useQuery(usageQuery(project));
	return (
		<aside className="card card-pad stack" aria-label="Usage">
			<h2 className="card-title">Usage</h2>
			{usage.error !== null && (
				<Problem error={usage.error} what="The usage could not be loaded" onRetry={() => usage.refetch()} />
			)}
			{usage.data === undefined && usage.error === null && (
				<Loading label="the usage">
					<Bone width="8rem" height="3.5rem" />
				</Loading>
			)}
			{usage.data !== undefined && (
				<Numbers
					items={[
						{
							name: "Stored",
							value: byteCount(usage.data.storedBytes),
							detail:
								usage.data.maxStoredBytes === 0
									? "no quota of its own"
									: `${share(usage.data.storedBytes, usage.data.maxStoredBytes)} of ${byteCount(usage.data.maxStoredBytes)}`,
						},
						{
							name: "May send",
							value: usage.data.maxEventsPerSecond === 0 ? "any number" : count(usage.data.maxEventsPerSecond),
							detail: usage.data.maxEventsPerSecond === 0 ? "of events" : "events a second",
						},
					]}
				/>
			)}
			<dl className="facts">
				<Fact name="Project">
					<Id id={settings.id} label="Copy the project's id" />
				</Fact>
				<Fact name="Created">
					<Time at={settings.createDate} form="day" />
				</Fact>
			</dl>
		</aside>
	);
}
