// Which page an address is, and who may see it.
import { ref } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import { said } from './api/client'
import { may, session, whoAmI, type Permission } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Without it the page is everybody's who is logged in. */
    needs?: Permission
    open?: boolean
  }
}

/** In the order of the menu. */
export const PLACES: { path: string; label: string; needs: Permission }[] = [
  { path: '/calls', label: '通话', needs: 'watch_calls' },
  { path: '/accounts', label: '账号', needs: 'manage_accounts' },
]

export function places() {
  return PLACES.filter((place) => may(place.needs))
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/login', component: () => import('./pages/LoginPage.vue'), meta: { open: true } },
    { path: '/password', component: () => import('./pages/PasswordPage.vue') },
    { path: '/calls/:callId?', component: () => import('./pages/CallsPage.vue'), meta: { needs: 'watch_calls' } },
    { path: '/accounts', component: () => import('./pages/AccountsPage.vue'), meta: { needs: 'manage_accounts' } },
    { path: '/:rest(.*)*', component: () => import('./pages/NothingPage.vue') },
  ],
})

/** A page that could not be fetched (the desk was brought up to date meanwhile, or is away), or nobody to ask. */
export const failure = ref('')
router.onError((error) => (failure.value = said(error)))
router.afterEach(() => (failure.value = ''))

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  const me = session.me ?? (await whoAmI())
  if (!me) return { path: '/login', query: to.path === '/' ? {} : { next: to.fullPath } }
  if (me.must_change_password) return to.path === '/password' ? true : { path: '/password' }
  if (to.path === '/') return { path: places()[0]?.path ?? '/nothing', replace: true }
  if (to.meta.needs && !may(to.meta.needs)) return { path: '/nothing', replace: true }
  return true
})
