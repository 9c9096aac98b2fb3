// The one way to the server: typed by its OpenAPI document, CSRF token on every change, problems as errors.
import createClient from 'openapi-fetch'
import type { ProblemBody } from '../types'
import type { paths } from './schema'

/** A request that was refused or failed; `message` is for the person at the desk. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
  ) {
    super(message)
  }
}

let csrf = ''
let onLoggedOut = () => {}

export function useCsrf(token: string): void {
  csrf = token
}

/** What happens when the server says that nobody is logged in any more. */
export function whenLoggedOut(act: () => void): void {
  onLoggedOut = act
}

export const api = createClient<paths>({ baseUrl: window.location.origin })

api.use({
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set('X-CSRF-Token', csrf)
    return request
  },
  onResponse({ response, request }) {
    const asking = request.url.endsWith('/api/session')
    if (response.status === 401 && !asking) onLoggedOut()
  },
})

/** The data of an answer; raises Problem for anything that is no success. */
export async function must<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer
  try {
    answer = await asked
  } catch {
    throw new Problem(0, 'unreachable', '连接不上服务器，请稍后再试')
  }
  if (answer.response.ok) return answer.data as T
  const body = answer.error as ProblemBody | undefined
  throw new Problem(
    answer.response.status,
    body?.type ?? 'about:blank',
    body?.detail ?? `服务器未能完成请求（${answer.response.status}）`,
  )
}

/** What to show of any error. */
export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
