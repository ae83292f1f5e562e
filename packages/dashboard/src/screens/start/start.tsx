// The start: leads to the project, or lets you choose one.
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import { CodeBlock } from "../../parts/code/code-block.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Logo } from "../../parts/layout/logo.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { callerQuery, projectsQuery, useConnection } from "../../session/caller.ts";
import { useIsWorkspaceAdmin } from "../../session/workspace.ts";

/** Hardly anybody needs it, so it is no part of the first load. */
const CreateProject = lazy(async () => ({ default: (await import("./create-project.tsx")).CreateProject }));
const COMMAND = 'fanfare projects create "Shop production"';

export function StartScreen() {
	const { data: projects, error, refetch } = useQuery(projectsQuery(useConnection()));
	const { data: caller } = useQuery(callerQuery(useConnection()));
	const mayCreate = useIsWorkspaceAdmin();
	const [first, second] = projects ?? [];
	if (first !== undefined && second === undefined) {
		return <Navigate to="/$projectId" params={{ projectId: first.id }} replace />;
	}
	return (
		<main className="center">
			<div className="stack narrow">
				<Logo size={40} />
				<PageHead title="Projects" />
				{error !== null && <Problem error={error} what="The projects could not be loaded" onRetry={refetch} />}
				{projects?.length === 0 && caller !== undefined && (
					<>
						<p className="dim flat">
							There is no project yet. A project has its own webhooks, events and keys.{" "}
							{!mayCreate && "Admin keys of the whole workspace create one, here or with this command:"}
						</p>
						{mayCreate ? (
							<Suspense>
								<CreateProject />
							</Suspense>
						) : (
							<CodeBlock hasLines label="The command" text={COMMAND} />
						)}
					</>
				)}
				{projects !== undefined && projects.length > 0 && (
					<ul className="card choices">
						{projects.map(({ id, name }) => (
							<li key={id}>
								<Link to="/$projectId" params={{ projectId: id }}>
									<strong>{name}</strong> <span className="mono dim">{id}</span>
								</Link>
							</li>
						))}
					</ul>
				)}
			</div>
		</main>
	);
}
