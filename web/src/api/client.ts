/** The typed client. Its types are generated from the service's own description, so drift fails the build. */
import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** A refusal as the service explains it (RFC 9457). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

const cookie = (name: string): string =>
  document.cookie
    .split("; ")
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? "";

const protectedCalls: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-CSRF-Token", decodeURIComponent(cookie("sewu_csrf")));
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return undefined;
    let problem: { type?: string; title?: string; detail?: string } = {};
    try {
      problem = await response.clone().json();
    } catch {
      // Not an answer of ours (a proxy's page): the status must do.
    }
    const kind = (problem.type ?? "").split(/[/:]/).pop() ?? "";
    if (response.status === 401) window.dispatchEvent(new Event("sewu:logged-out"));
    throw new Refusal(response.status, kind, problem.detail ?? problem.title ?? `HTTP ${response.status}`);
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(protectedCalls);

/** The data of a call that throws when it is refused. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
