// The Helm chart: Helm accepts it, and what it renders is valid by the schemas of Kubernetes and equal to the plain manifests.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";

import { findHelm } from "./go-modules.ts";
import { documentsOf, problemsOf, type KubernetesObject } from "./kubernetes.ts";
import { sayIfSkipped } from "./skipped.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CHART = join(root, "deploy/helm/fanfare");
const run = promisify(execFile);
const ADMIN_KEY = `sk_${"h".repeat(43)}`;

interface Spec {
	selector: Record<string, string>;
	replicas: number;
	strategy: object;
	template: {
		spec: {
			topologySpreadConstraints: readonly unknown[];
			containers: readonly [{ env: readonly { name: string }[] }];
		};
	};
}

const helm = await findHelm();
sayIfSkipped(helm);

/** Renders the chart as a release, with values. Rejects with what Helm says if it refuses them. */
async function render(values: object = {}, release = "hooks"): Promise<KubernetesObject[]> {
	using dir = new TemporaryDir();
	writeFileSync(dir.join("values.yaml"), stringify(values));
	const args = ["template", release, CHART, "--kube-version", "1.31.0", "--values", dir.join("values.yaml")];
	return documentsOf((await run(helm.path!, args)).stdout);
}

const find = (objects: readonly KubernetesObject[], kind: string) => objects.find((object) => object.kind === kind);

it("has the version of the packages", () => {
	const chart = parse(readFileSync(join(CHART, "Chart.yaml"), "utf8")) as { version: string; appVersion: string };
	const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string };
	expect([chart.version, chart.appVersion]).toEqual([version, version]);
});

describe.skipIf(helm.path === null)("the chart", () => {
	it("passes helm lint in its strict form", async () => {
		const { stdout } = await run(helm.path!, ["lint", "--strict", CHART]);
		expect(stdout).toContain("0 chart(s) failed");
		expect(stdout).not.toMatch(/WARNING|ERROR/);
	});

	it("renders what is valid for Kubernetes, with the values of every feature", async () => {
		const all = {
			publicUrl: "https://hooks.example.com",
			settings: { FANFARE_MAX_STORED_BYTES: 20_000_000_000, FANFARE_ALLOW_HTTP: false, FANFARE_LOG_LEVEL: "warn" },
			secrets: { adminKey: ADMIN_KEY },
			ingress: { enabled: true, className: "nginx", annotations: { a: "b" }, tlsSecret: "cert" },
			image: { pullSecrets: [{ name: "registry" }] },
			persistence: { existingClaim: "claim" },
			podAnnotations: { a: "b" },
			podLabels: { c: "d" },
			nodeSelector: { e: "f" },
			tolerations: [{ key: "g", operator: "Exists" }],
			affinity: { podAntiAffinity: {} },
		};
		for (const values of [{}, all]) {
			for (const object of await render(values))
				expect([object.kind, await problemsOf(object)]).toEqual([object.kind, []]);
		}
		const objects = await render(all);
		expect(objects.map(({ kind }) => kind).toSorted()).toEqual([
			"Ingress",
			"Secret",
			"Service",
			"ServiceAccount",
			"StatefulSet",
		]);
		const text = JSON.stringify(find(objects, "StatefulSet"));
		expect(text).toContain('{"name":"FANFARE_MAX_STORED_BYTES","value":"20000000000"}');
		expect(text).toContain('{"name":"FANFARE_ALLOW_HTTP","value":"false"}');
		expect(text).not.toContain(ADMIN_KEY);
		expect(find(objects, "Ingress")).toMatchObject({ spec: { rules: [{ host: "hooks.example.com" }] } });
	});

	it("renders a monitor for the Prometheus operator if asked", async () => {
		const objects = await render({ serviceMonitor: { enabled: true, labels: { release: "prometheus" } } });
		expect(find(objects, "ServiceMonitor")).toMatchObject({
			metadata: { labels: { release: "prometheus" } },
			spec: { endpoints: [{ port: "http", path: "/metrics", interval: "15s" }] },
		});
	});

	it("runs the same pod as the plain manifests", async () => {
		const values = { publicUrl: "https://fanfare.example.com", secrets: { existingSecret: "fanfare" } };
		const rendered = find(await render(values, "fanfare"), "StatefulSet");
		const plain = find(documentsOf(readFileSync(join(root, "deploy/kubernetes/fanfare.yaml"), "utf8")), "StatefulSet");
		const essence = (object: KubernetesObject | undefined) => {
			const { template, volumeClaimTemplates, replicas } = object!["spec"] as {
				template: { spec: unknown };
				volumeClaimTemplates: unknown;
				replicas: number;
			};
			return { spec: template.spec, volumeClaimTemplates, replicas };
		};
		expect(essence(rendered)).toEqual(essence(plain));
	});

	const cluster = {
		cluster: { enabled: true, apiReplicas: 3 },
		secrets: {
			adminKey: ADMIN_KEY,
			masterKey: "ab".repeat(32),
			databaseUrl: "postgres://fanfare:secret@db:5432/fanfare?sslmode=verify-full",
			natsUrl: "tls://nats-1:4222,tls://nats-2:4222",
		},
	};

	it("renders pods that take calls and pods that deliver, for several processes", async () => {
		const objects = await render({ ...cluster, serviceMonitor: { enabled: true } });
		expect(objects.map(({ kind }) => kind).toSorted()).toEqual([
			"Deployment",
			"Deployment",
			"PodDisruptionBudget",
			"PodDisruptionBudget",
			"Secret",
			"Service",
			"Service",
			"ServiceAccount",
			"ServiceMonitor",
		]);
		for (const object of objects) {
			if (object.kind !== "ServiceMonitor") expect([object.kind, await problemsOf(object)]).toEqual([object.kind, []]);
		}
		expect(find(objects, "Secret")).toMatchObject({
			stringData: { FANFARE_DATABASE_URL: cluster.secrets.databaseUrl, FANFARE_NATS_URL: cluster.secrets.natsUrl },
		});
		const text = JSON.stringify(objects.filter(({ kind }) => kind !== "Secret"));
		for (const secret of Object.values(cluster.secrets)) expect(text).not.toContain(secret);
		const selectors = objects.filter(({ kind }) => kind === "Service").map(({ spec }) => (spec as Spec).selector);
		expect(selectors.map((selector) => selector["app.kubernetes.io/component"])).toEqual(["api", "worker"]);
	});

	it("runs the same pods as the plain manifests for several processes", async () => {
		const values = {
			publicUrl: "https://fanfare.example.com",
			cluster: { enabled: true },
			secrets: { existingSecret: "fanfare" },
		};
		const rendered = await render(values, "fanfare");
		const plain = documentsOf(readFileSync(join(root, "deploy/kubernetes/fanfare-cluster.yaml"), "utf8"));
		const essence = (objects: readonly KubernetesObject[]) =>
			objects
				.filter(({ kind }) => kind === "Deployment")
				.map((object) => {
					const { replicas, strategy, template } = object["spec"] as Spec;
					// The chart's labels name the release, and its workers know the address, too.
					const { topologySpreadConstraints, containers, ...pod } = template.spec;
					const [{ env, ...container }] = containers;
					const settings = env.filter(({ name }) => name !== "FANFARE_PUBLIC_URL");
					return { replicas, strategy, pod, container, settings, spread: topologySpreadConstraints.length };
				});
		expect(essence(rendered)).toEqual(essence(plain));
	});

	it("refuses several processes without the secrets that they must share", async () => {
		await expect(render({ cluster: { enabled: true } })).rejects.toThrow("secrets.databaseUrl");
	});

	it.each([
		[{ imag: { tag: "x" } }, "imag"],
		[{ settings: { FANFARE_ADMIN_KEY: ADMIN_KEY } }, "FANFARE_ADMIN_KEY"],
		[{ settings: { LOG_LEVEL: "debug" } }, "LOG_LEVEL"],
		[{ settings: { FANFARE_ROLE: "api" } }, "FANFARE_ROLE"],
		[{ cluster: { apiReplicas: 0 } }, "apiReplicas"],
		[{ secrets: { adminKey: "secret" } }, "adminKey"],
		[{ publicUrl: "hooks.example.com" }, "publicUrl"],
		[{ ingress: { enabled: true } }, "publicUrl"],
	])("refuses the values %j", async (values, named) => {
		await expect(render(values)).rejects.toThrow(named);
	});
});
