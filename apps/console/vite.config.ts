// How the console is built: one page with hashed assets that needs nothing from elsewhere.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false, chunkSizeWarningLimit: 700 },
  // `npm run dev` beside a running Lapwing.
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
