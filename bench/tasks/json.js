const objects = Array.from({ length: 10000 }, (_, i) => ({ id: i, name: 'name ' + i, tags: ['a', 'b'], ratio: i / 4 }));
const back = JSON.parse(JSON.stringify(objects));
return back.reduce((sum, o) => sum + o.id + o.name.length + o.tags.length + o.ratio, 0);
