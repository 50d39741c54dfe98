// Where an app is reached, in njs: runs inside nginx, for requests to sites that are apps.
import fs from 'fs';

const HOSTS = '/run/subako/hosts';
const PLACE = /^\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}$/;

// One of the places of its running instances; where there is none, the socket, which is not there while it sleeps.
function upstream(request) {
  const variables = request.variables;
  const route = HOSTS + '/' + variables.route_key + '/';
  const places = read(route + variables.role + '.addr').filter((place) => PLACE.test(place));
  if (places.length > 0) return places[Math.floor(Math.random() * places.length)];
  return 'unix:' + route + variables.upstream + ':';
}

function read(path) {
  try {
    return fs.readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    return [];
  }
}

export default { upstream };
