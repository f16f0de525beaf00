// Runs before `npm start` and `npm test` with whatever Node is there (20 or newer): installs when needed, builds what
// needs building. Kept free of dependencies and of syntax newer than Node 20.
