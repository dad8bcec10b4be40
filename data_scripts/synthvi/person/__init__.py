"""Who is seen: body, pose, clothes, hair, bags, and the dressed mesh."""
