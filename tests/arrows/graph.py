"""Circles and closures in a graph of {node: {node it points to: ...}}."""


def path_between(edges, start, goal):
    """The shortest path of at least one edge, as a list of nodes, or None."""
    came_from = {}
    queue = [start]
    while queue:
        node = queue.pop(0)
        for other in edges.get(node, ()):
            if other not in came_from:
                came_from[other] = node
                queue.append(other)
            if other == goal:
                path = [goal]
                while len(path) == 1 or path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
    return None


def reachable(edges, start):
    """All nodes that a path of at least one edge leads to."""
    seen = set()
    stack = [start]
    while stack:
        for other in edges.get(stack.pop(), ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def circles(edges):
    """The groups of nodes that reach each other, each sorted."""
    reach = {node: reachable(edges, node) for node in edges}
    groups = {tuple(sorted(other for other in reach[node]
                           if node in reach.get(other, ())))
              for node in edges if node in reach[node]}
    return sorted(groups)


def edges_between(tree, name_of):
    """What the product's files include of each other, by name_of(path).

    Returns {name: {other name: "path:line" of the first such include}}."""
    product = set(tree.product())
    edges = {}
    for path in sorted(product):
        row = edges.setdefault(name_of(path), {})
        for include in tree.includes[path]:
            if include.target in product and name_of(include.target) != name_of(path):
                row.setdefault(name_of(include.target), f"{path}:{include.line}")
    return edges
