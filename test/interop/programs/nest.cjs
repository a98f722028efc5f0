/** Nest in CommonJS, as its compiler makes it. `enableShutdownHooks` closes the application at SIGTERM and sends the signal again. */
require('reflect-metadata');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { held, identity, say } = require('./common.cjs');

class AppController {
  async later() {
    await held();
    return 'the end';
  }

  now() {
    return 'the end';
  }
}

function decorate(name, path) {
  Get(path)(AppController.prototype, name, Object.getOwnPropertyDescriptor(AppController.prototype, name));
}

decorate('later', '/later');
decorate('now', '/');
Controller()(AppController);

class AppModule {
  onApplicationShutdown(signal) {
    say(`shut down by ${signal}`);
  }
}
Module({ controllers: [AppController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { httpsOptions: identity, logger: false });
  if (process.argv.includes('hooks')) app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  say(`listening ${app.getHttpServer().address().port}`);
}

void main();
