// Who sits at this desk.
import { reactive } from 'vue'
import { api, must, Problem, useCsrf } from './api/client'
import type { Me } from './types'

export type Permission = 'watch_calls' | 'take_calls' | 'listen' | 'whole_numbers' | 'manage_accounts'

export const session = reactive<{ me: Me | null; oneTime: string }>({
  me: null,
  /** The one-time password just typed, so that it need not be typed again to choose another. */
  oneTime: '',
})

export function may(permission: Permission): boolean {
  return session.me?.permissions.includes(permission) ?? false
}

export function become(me: Me | null): void {
  session.me = me
  useCsrf(me?.csrf ?? '')
}

/** Ask the server who this browser is; null if nobody. */
export async function whoAmI(): Promise<Me | null> {
  try {
    become(await must(api.GET('/api/session')))
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error
    become(null)
  }
  return session.me
}

export async function logIn(name: string, password: string): Promise<Me> {
  const me = await must(api.POST('/api/session', { body: { name, password } }))
  become(me)
  session.oneTime = me.must_change_password ? password : ''
  return me
}

export async function logOut(): Promise<void> {
  await must(api.DELETE('/api/session'))
  become(null)
}

export async function changePassword(current: string, chosen: string): Promise<void> {
  become(await must(api.PUT('/api/session/password', { body: { current, new: chosen } })))
  session.oneTime = ''
}

/** A place within this desk to go to after logging in: never another site's. */
export function safePlace(asked: unknown): string {
  return typeof asked === 'string' && /^\/(?![/\\])[^\\\s]*$/.test(asked) ? asked : '/'
}
